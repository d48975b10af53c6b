"use strict";
/** @type {any} */ (globalThis).SwaggerUIBundle({
  url: /** @type {HTMLScriptElement} */ (document.currentScript).dataset.document,
  dom_id: "#api",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});

// What the pages use of the vendored library, for the type checker alone.
export function generate(text: string): { size: number; get(x: number, y: number): boolean };

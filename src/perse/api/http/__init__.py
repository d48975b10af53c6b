"""HTTP as perse speaks it: operations and forms in, answers and problems out."""

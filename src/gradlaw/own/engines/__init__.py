"""How the functions of each library are called: arrays in, outputs and gradients back. One module a library."""

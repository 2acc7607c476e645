"""How the functions of each library are read. One module a library."""

"""Functions of one's own: a definition in the primitives of the law book, and a kernel that is judged against it."""

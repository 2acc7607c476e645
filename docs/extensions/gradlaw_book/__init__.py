"""The book: pages, pictures and directives that are made from the law book when the documentation is built."""

"""The functions that the programs of ``gradlaw explain --format python`` bring along, printed from their source.

Each module is complete in itself: plain Python on numbers, NumPy on arrays. A function has the name and the arguments
that it has in the pages' formulas.
"""

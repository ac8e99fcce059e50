"""The IPython side: ``%sparkk8s``, its completion, and what happens around every cell.

What may not live here: logic. A magic parses, delegates and shows.
"""

"""A network unrolled: cores, programs and automata as arrays over iterations. Knows no hardware."""

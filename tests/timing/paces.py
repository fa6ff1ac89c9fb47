"""Random paces of actors."""

from hypothesis import strategies as st

from cmir.cost.pace import Pace

paces = st.one_of(
    st.integers(1, 6).map(Pace),
    st.builds(Pace, st.integers(1, 3), st.integers(1, 7), st.integers(0, 12)),
)

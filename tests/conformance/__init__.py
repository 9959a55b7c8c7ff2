"""How much of the corpus of real bounces is understood: `./rebound conformance`. See `scoring.py`."""

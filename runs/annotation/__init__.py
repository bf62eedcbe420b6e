"""Campaigns in which people compare answers: what is asked, who holds which pair, what was judged, what becomes data."""

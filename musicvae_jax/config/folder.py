"""File names in a run's results folder, shared by the code that writes and reads them."""

MANIFEST = "manifest.json"
CARDS = "cards.json"
PROJECTIONS = "projections.parquet"
RECONSTRUCTIONS = "reconstructions.npz"
FIGURES = "figures"
CONFIG = "config.json"
# What the map is made from, and the map.
MAP_SONGS = "songs.parquet"
NEIGHBOURS = "neighbours.parquet"
THUMBNAILS = "thumbnails.npz"
MAP = "map.html"
# In the folder of a checkpoint.
MODEL_CARD = "README.md"
# In the folder of a suite.
REPORT = "report.html"
# The tables a summary is made from, each NAME.csv.
SCORE_TABLES = ("metrics", "significance", "spaces", "comparisons")

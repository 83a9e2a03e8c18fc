"""File names in a run's results folder, shared by the code that writes and reads them."""

MANIFEST = "manifest.json"
CARDS = "cards.json"
PROJECTIONS = "projections.parquet"
RECONSTRUCTIONS = "reconstructions.npz"
FIGURES = "figures"
# In the folder of a suite.
REPORT = "report.html"
# The tables a summary is made from, each NAME.csv.
SCORE_TABLES = ("metrics", "significance", "spaces", "comparisons")

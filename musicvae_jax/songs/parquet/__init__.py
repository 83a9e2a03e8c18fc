"""Songs in parquet files in the 4MuLA schema."""

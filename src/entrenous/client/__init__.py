"""The headless engine that every front end uses: commands in, events out, one encrypted store."""

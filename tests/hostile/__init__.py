"""Other people's input at its worst: payloads, a site that serves them, and a browser to open the result."""

"""Between the engine and the network: whom a crawl may ask, how patiently, and whether an answer came whole."""

"""Who must sign what: rules as data, requests, nodes and signatures."""

"""Real orders of the past, played through the live actions as if people had worked them day by day.

`source` reads the files, `cast` makes organisations, people, products and stock, `life` plays the orders, `report` compares with the files.
"""

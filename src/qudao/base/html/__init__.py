"""The page kit: five plain page classes, declared tables, forms with a line editor. Tables and figures know no request."""

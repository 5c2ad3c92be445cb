"""Copies of the pictures that articles show: fetched after the article is done, checked, stored once by their content."""

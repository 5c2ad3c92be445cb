"""Copies of the pictures that articles show: fetched once it is done, checked, stored by content."""

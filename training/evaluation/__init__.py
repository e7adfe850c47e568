"""Measuring stems: do they fit the music they were made for?"""

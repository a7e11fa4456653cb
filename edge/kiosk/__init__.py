"""The kiosk: a local web page that shows who feels what, live or of an uploaded picture."""

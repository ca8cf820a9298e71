"""Sources: wires and file formats. They speak the words of the wire and know no evidence."""

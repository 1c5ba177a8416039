"""The chatbot: voice notes in, empathetic replies out, feedback recorded."""

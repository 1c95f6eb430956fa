"""Articles (lasting education) and announcements (dated notices), their pictures and comments."""

"""HTTP: the application, its errors, limits and sign-in; the rooms bring their routes."""

"""django-gdpr-assist: a loop over objects that saves each, and a row that remembers each."""

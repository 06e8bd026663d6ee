"""Downloads of several documents as one zip: chosen by a contact, fetched by a job."""

"""django-post_office: the queue of mails in Django's database that most projects use."""

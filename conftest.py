"""Where a company binds the suite to its own systems, by overriding fixtures in the ``conftest.py`` of its own repository.

``send_events`` sends test events through the company's own pipeline, ``handler_has_processed`` looks into its own system; both are
described in ``docs/how-to``. This project's own rehearsal needs neither.
"""

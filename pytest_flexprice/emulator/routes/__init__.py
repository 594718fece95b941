"""The routes, one module per resource; importing a module registers its handlers. One line per module."""

from . import customers as customers
from . import environments as environments
from . import events as events
from . import health as health
from . import svix as svix
from . import users as users
from . import webhooks as webhooks

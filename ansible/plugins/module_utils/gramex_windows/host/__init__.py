"""Works on a Windows host, with the Python of an environment: releases, services, the switch to a new release."""

#!/bin/sh
set -e
ufw allow 22/tcp
ufw limit 2200/tcp comment 'not of gramex'
ufw deny from 192.0.2.66
ufw allow 80/tcp
ufw default deny outgoing
ufw allow out 123/udp
ufw --force enable
cat >/root/gramex-test/rules.sh <<'RULES'
grep -h '^### tuple' /etc/ufw/user.rules /etc/ufw/user6.rules; ufw status verbose
RULES
sh /root/gramex-test/rules.sh >/root/gramex-test/rules.before

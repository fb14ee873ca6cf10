#!/bin/sh
set -e
systemctl restart firewalld
timeout 60 sh -c 'until firewall-cmd --state; do sleep .2; done'
firewall-cmd --permanent --add-service=http
firewall-cmd --permanent --add-port=2200/tcp
firewall-cmd --permanent --new-policy=out
firewall-cmd --permanent --policy=out --add-ingress-zone=HOST
firewall-cmd --permanent --policy=out --add-egress-zone=ANY
firewall-cmd --permanent --policy=out --set-target=REJECT
firewall-cmd --reload
firewall-cmd --add-port=2300/tcp # until the next reload, which is not the role's to do
cat >/root/gramex-test/rules.sh <<'RULES'
firewall-cmd --list-all-zones; firewall-cmd --list-all-policies; firewall-cmd --permanent --list-all-zones; firewall-cmd --permanent --list-all-policies
RULES
sh /root/gramex-test/rules.sh >/root/gramex-test/rules.before

#!/bin/sh
set -e
cat >/etc/nftables.conf <<'RULES'
#!/usr/sbin/nft -f
flush ruleset
table inet filter {
	set blocked { type ipv4_addr; elements = { 192.0.2.66 } }
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		iif "lo" accept
		ip saddr @blocked drop
		tcp dport { 22, 2200 } accept comment "not of gramex"
		jump rest
	}
	chain rest {
		limit rate 1/minute log
		counter reject
	}
	chain output {
		type filter hook output priority filter; policy drop;
		ct state established,related accept
		oif "lo" accept
	}
}
table ip other {
	chain input {
		type filter hook input priority 10;
		ip saddr 192.0.2.67 drop
	}
}
RULES
systemctl enable --now nftables
cat >/root/gramex-test/rules.sh <<'RULES'
nft list ruleset | sed 's/packets.*bytes [0-9]*//'; cat /etc/nftables.conf
RULES
sh /root/gramex-test/rules.sh >/root/gramex-test/rules.before

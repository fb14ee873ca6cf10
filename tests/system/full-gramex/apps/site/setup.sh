#!/bin/sh
echo made by setup.sh >made.txt

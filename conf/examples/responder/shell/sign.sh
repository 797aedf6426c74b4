#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# sign - a local service behind hublink, as a script: the display board at a gate
#
#   needs   busctl (systemd), hublinkctl, gdbus (Debian libglib2.0-bin, Fedora glib2), jq
#   rights  a user in the group hublink
#   run     ./sign.sh FOLDER       a folder of its own, that only this user can write
#
#   messages  a line of text, up to 80 bytes: it is shown; anything else is passed over
#   twin      section sign: desired {"brightness": 0..100} is answered; reported {"showing": TEXT}
#   readings  sensor sign: brightness, shown (texts so far)
#
# A method is nothing for busctl, which can call and not be called: ./answer runs a script for each call.
#
# A message belongs to its taker as long as he is on the bus, and each busctl is on it for one call only: what it takes
# is offered again before a second one can complete it. So `hublinkctl inbox take` does both, and completes it when the
# body is in the spool file, on disk. What is there at the start was not carried out, or perhaps not to its end.
#
# Signals only say that there may be something to do: whatever happens, look looks at everything. The contract is on one
# page: conf/dbus/README.md.
set -u
umask 077
folder=${1:?usage: sign.sh FOLDER}
spool=$folder/message
brightness=50 shown=0 submitted='' answered=''

hublink() { # INTERFACE MEMBER [SIGNATURE ARGUMENT...]: the answer as JSON, nothing when it fails
        busctl --system --json=short call org.hublink1 /org/hublink1 "org.hublink1.$1" "${@:2}"
}

report() { hublink Twin Report ss sign "$1"; }

# ---- messages ----

show() {
        shown=$((shown + 1))
        echo "shows: $1"
        report "$(jq -nc --arg text "$1" '{showing: $text}')"
}

carry_out() {
        local text
        # jq puts a mark in the place of what is no UTF-8, and nothing else makes it longer
        text=$(jq -Rrs 'select(utf8bytelength > 0 and utf8bytelength <= 80 and (test("[[:cntrl:]\ufffd]") | not))' "$spool")
        if [ -n "$text" ]; then show "$text" || return; else echo 'passes over what is no line of text'; fi
        rm "$spool"
}

look_at_inbox() {
        while [ -e "$spool" ] || hublinkctl inbox take --output "$spool" 2>/dev/null; do
                carry_out || return
        done
}

# ---- the twin ----

obey() { # DESIRED
        if jq -e 'type == "number" and . == floor and . >= 0 and . <= 100' <<<"$1" >/dev/null; then
                [ "$brightness" = "$1" ] || echo "brightness $1"
                brightness=$1 ac=200 ad='done'
        else
                ac=400 ad='expected 0 to 100'
        fi
}

look_at_twin() { # the version first: a change in between brings a signal of its own
        local version desired ac ad
        version=$(busctl --system --json=short get-property org.hublink1 /org/hublink1 org.hublink1.Twin DesiredVersion |
                jq .data)
        desired=$(hublink Twin GetDesired s sign 2>/dev/null | jq -c '.data[0] | fromjson | .brightness?')
        [ -n "$desired" ] && [ "$version" != "$answered" ] || return
        if [ "$desired" != null ]; then
                obey "$desired"
                # Plug and Play's words
                report "{\"brightness\":{\"value\":$brightness,\"ac\":$ac,\"av\":$version,\"ad\":\"$ad\"}}" || return
        fi
        answered=$version
}

# ---- readings: when busctl is back they are on disk ----

look_at_board() {
        [ "$submitted" = "$brightness $shown" ] && return
        hublink Manager Submit 'sa(svt)a{sv}' sign 2 brightness i "$brightness" 0 shown u "$shown" 0 0 >/dev/null &&
                submitted="$brightness $shown"
}

# ---- when ----

look() {
        look_at_twin
        look_at_inbox
        look_at_board
}

# Its first line says whether hublinkd is there. Nothing in a minute: once more, lest an error stays.
gdbus monitor --system --dest org.hublink1 --object-path /org/hublink1 |
        while read -r -t 60 line || [ $? -gt 128 ]; do
                case $line in
                *' is owned by '*) answered='' && echo 'hublinkd is here' && look ;;
                *' does not have an owner'*) echo 'hublinkd is away' ;;
                *Inbox.Arrived* | *Twin.DesiredChanged* | '') look ;;
                esac
        done

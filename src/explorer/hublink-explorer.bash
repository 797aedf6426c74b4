# SPDX-License-Identifier: Apache-2.0
# Completion of hublink-explorer for bash. What there is to offer is asked of the program's own --help, so that the
# two cannot differ.

# "--status STATUS" for an option with a value, "--json" for one without
_hublink_explorer_options() {
    hublink-explorer "$@" --help 2>/dev/null | sed -nE 's/^  (--[a-z0-9-]+( [^ ]+)?)( .*|$)/\1/p'
}

_hublink_explorer_commands() {
    hublink-explorer --help 2>/dev/null | sed -nE 's/^  ([a-z][a-z -]*[a-z])( [^a-z].*)?$/\1/p'
}

# Only where the hub is a devhub of this machine: a key press is no reason to ask Azure.
_hublink_explorer_devices() {
    [[ $devhub ]] || return
    hublink-explorer --devhub "$devhub" --timeout 2s --quiet --json list 2>/dev/null |
        grep -oE '"deviceId":"[^"\\]*"' | cut -d'"' -f4
}

_hublink_explorer() {
    local cur=${COMP_WORDS[COMP_CWORD]} asked= names= kind= devhub= all= line word option i
    local -a words=() given=() command=()
    COMPREPLY=()
    all=$(_hublink_explorer_commands)

    # The words before the cursor: two passes, since a command's options are known when the command is.
    local options
    options=$(_hublink_explorer_options)
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $word == -* ]] && continue
        if grep -qE "^${command[*]:+${command[*]} }$word( |\$)" <<<"$all"; then
            command+=("$word")
            ((${#command[@]} == 2)) && break
            grep -qxE "$word" <<<"$all" && break
        fi
    done
    grep -qxF "${command[*]}" <<<"$all" && options=$(_hublink_explorer_options "${command[@]}")

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word != -?* ]]; then
            words+=("$word")
            continue
        fi
        given+=("$word")
        line=$(grep -E "^$word " <<<"$options") || continue
        # bash makes three words of --name=value
        [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
        if ((++i >= COMP_CWORD)); then
            asked=${line#* }
            [[ $cur == = ]] && cur=
        elif [[ $word == --devhub ]]; then
            devhub=${COMP_WORDS[i]}
        fi
    done

    case $asked in
    '')
        if ((${#words[@]} == 0)); then
            names=$(cut -d' ' -f1 <<<"$all" | sort -u)
        elif ((${#words[@]} == 1)) && ! grep -qxF "${words[0]}" <<<"$all"; then
            names=$(sed -n "s/^${words[0]} //p" <<<"$all")
        elif ((${#words[@]} == ${#command[@]})) &&
            hublink-explorer "${command[@]}" --help 2>/dev/null | head -1 | grep -qE ' \[?DEVICE'; then
            names=$(_hublink_explorer_devices)
        elif [[ $cur == @* ]]; then
            COMPREPLY=($(compgen -P @ -f -- "${cur#@}"))
            return
        fi
        for option in $(cut -d' ' -f1 <<<"$options"); do
            [[ " ${given[*]} " == *" $option "* ]] || names+=" $option"
        done
        ;;
    FILE) kind=file ;;
    DIR) kind=directory ;;
    D) names='10s 1min 5min 1h' ;;
    STATUS) names='enabled disabled' ;;
    WHICH) names='primary secondary both swap' ;;
    WHEN) names='none positive negative full' ;;
    WHERE) names='start end 10min' ;;
    yes\|no) names='yes no' ;;
    esac
    COMPREPLY=($(compgen ${kind:+-A $kind} -W "$names" -- "$cur"))
}
complete -F _hublink_explorer hublink-explorer

# SPDX-License-Identifier: Apache-2.0
# Completion of hublinkd for bash. Its options are asked of its own --help, so that the two cannot differ.

_hublinkd() {
    local cur=${COMP_WORDS[COMP_CWORD]} asked= names= kind= options word i
    local -a given=()
    COMPREPLY=()
    # "--config FILE" for an option with a value, "--check " for one without
    options=$(hublinkd --help 2>/dev/null | sed -nE 's/^  (--[a-z-]+ ([A-Z]*)).*/\1/p')

    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        given+=("$word")
        word=$(grep -E "^$word [A-Z]" <<<"$options") || continue
        # bash makes three words of --name=value
        [[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))
        if ((++i >= COMP_CWORD)); then
            asked=${word#* }
            [[ $cur == = ]] && cur=
        fi
    done

    case $asked in
    '')
        for word in $(cut -d' ' -f1 <<<"$options"); do
            [[ " ${given[*]} " == *" $word "* ]] || names+=" $word"
        done
        ;;
    FILE) kind=file ;;
    DIR) kind=directory ;;
    BUS) names='system session' ;;
    esac
    [[ ! $kind ]] || compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen ${kind:+-A $kind} -W "$names" -- "$cur")
}

complete -F _hublinkd hublinkd

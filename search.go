package seatwright

import "unicode/utf8"

// Names in a directory, as they are searched for. Source: docs/decisions/0025-directory-search.md.

// TextRange is all texts from From on and before To, byte by byte.
type TextRange struct {
	From, To string
}

// StartingWith is the range of the texts that begin with prefix, of all for an empty one. UTF-8 has the order of its characters, so
// the end is the prefix with the next character in the place of its last one.
func StartingWith(prefix string) TextRange {
	for head := prefix; head != ""; {
		last, size := utf8.DecodeLastRuneInString(head)
		head = head[:len(head)-size]
		switch next := last + 1; {
		case utf8.ValidRune(next):
			return TextRange{prefix, head + string(next)}
		case last < utf8.MaxRune: // what is between the two halves of the surrogates is no character
			return TextRange{prefix, head + "\ue000"}
		}
	}
	return TextRange{prefix, string(utf8.MaxRune)}
}

// PeopleSearch asks for the people of whom something begins with a text.
type PeopleSearch struct {
	NameKeys []TextRange // of the keys of user names; none: user names are not looked at
	Texts    []TextRange // of mail address, first name, last name and display name, with the letters A to Z folded; none: not looked at
	Most     int         // how many of each range of each of the five are answered at most
}

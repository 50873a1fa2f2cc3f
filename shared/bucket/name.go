package bucket

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// private is the folder in which a Folder keeps objects while they are written.
const private = ".tmp"

const (
	// MaxName is the largest length of an object's name in bytes, as in Cloud Storage.
	MaxName    = 1024
	maxElement = 255 // bytes; the limit of the common file systems
)

// CheckName returns nil if an object can have the name by the rules of Bucket. Else it returns an ErrName with the rule
// that the name breaks.
func CheckName(name string) error {
	if strings.Contains(name, `\`) {
		return fmt.Errorf("%w: %q has a backslash", ErrName, name)
	}
	return checkFileName(name)
}

// checkFileName is CheckName for the names of users' own files, which may have backslashes.
func checkFileName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > MaxName:
		return fmt.Errorf("%w: it has %d bytes, and the limit is %d", ErrName, len(name), MaxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%w: %q is not UTF-8", ErrName, name)
	case strings.ContainsAny(name, "\x00\r\n"):
		return fmt.Errorf("%w: %q has a NUL or a line break", ErrName, name)
	}
	for i, element := range strings.Split(name, "/") {
		switch {
		case element == "":
			return fmt.Errorf("%w: %q has an empty element", ErrName, name)
		case element == "." || element == "..":
			return fmt.Errorf("%w: %q has the element %q", ErrName, name, element)
		case len(element) > maxElement:
			return fmt.Errorf("%w: %q has an element of %d bytes, and the limit is %d",
				ErrName, name, len(element), maxElement)
		// On some file systems, names that differ only in case are equal.
		case i == 0 && strings.EqualFold(element, private):
			return fmt.Errorf("%w: %q begins with %s, which is reserved for temporary files", ErrName, name, private)
		}
	}
	return nil
}

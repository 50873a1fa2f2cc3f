package dataset

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/harvest-ml/harvest/shared/dataset/jsontext"
)

// quoted is the largest number of bytes of a name that a message quotes.
const quoted = 60

// maxNameBytes is the length of the longest object name in Cloud Storage.
const maxNameBytes = 1024

// CleanImageName returns the shortest form of the path of an image. It removes blanks and line ends around the name,
// reads backslashes as slashes, takes the path of a file:// URL, and resolves `.`, `..` and empty elements. The result
// is inside the folder of images, or absolute; ImageNames decides whether an absolute path is among the dataset's
// images. A gs://bucket/object URL is returned unchanged. It returns an error, with the fix, if a name leads out of the
// folder, is a URL of another scheme, or has control characters.
func CleanImageName(name string) (string, error) {
	trimmed := strings.TrimSpace(name)
	switch {
	case trimmed == "":
		return "", errors.New("the name is empty; name a file")
	case len(trimmed) > maxNameBytes:
		return "", fmt.Errorf("%s has %d bytes, but an object's name has at most %d; "+
			"embed image data as data:image/jpeg;base64,…", jsontext.Quote(name, quoted), len(name), maxNameBytes)
	case !plainText(trimmed):
		return "", fmt.Errorf("%s contains a control character or is not UTF-8; rename the file",
			jsontext.Quote(name, quoted))
	}
	if object, ok := strings.CutPrefix(trimmed, "gs://"); ok {
		if bucket, key, _ := strings.Cut(object, "/"); bucket == "" || key == "" {
			return "", fmt.Errorf("%s lacks a bucket or an object; write gs://bucket/object", jsontext.Quote(name, quoted))
		}
		return trimmed, nil
	}
	if isFileURL(trimmed) {
		_, decoded, ok := filePaths(trimmed)
		if !ok || !plainText(decoded) {
			return "", fmt.Errorf("%s is not a URL of a file of this machine; write file:///folder/image.jpg, "+
				"or name the image relative to the dataset's images", jsontext.Quote(name, quoted))
		}
		return cleanPath(decoded), nil
	}
	if isURL(trimmed) {
		return "", fmt.Errorf("%s is a URL; put the image next to the manifest's others and name it relative to them, "+
			"or give a gs:// URL", jsontext.Quote(name, quoted))
	}
	switch clean := cleanPath(trimmed); {
	case clean == "." || clean == ".." || strings.HasPrefix(clean, "../"):
		return "", fmt.Errorf("%s leads out of the dataset's images; name a file inside them", jsontext.Quote(name, quoted))
	default:
		return clean, nil
	}
}

// ImageNames returns the file names to try for an image, in order: the name in the record, then the result of
// CleanImageName. They are relative to the dataset's images. folders are the absolute paths of the folder of images.
// They are empty if the folder is not on this machine. An absolute name must be below one of them. A gs:// URL is
// returned alone, unchanged. No returned name leads out of the dataset's images.
func ImageNames(name string, folders []string) ([]string, error) {
	clean, err := CleanImageName(name)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(clean, "gs://") {
		return []string{clean}, nil
	}
	if !isAbsolute(clean) {
		if name == clean || !literal(name) {
			return []string{clean}, nil
		}
		return []string{name, clean}, nil
	}
	names := inside(clean, folders)
	if plain, _, ok := filePaths(strings.TrimSpace(name)); ok && len(names) > 0 {
		if names = append(inside(cleanPath(plain), folders), names...); names[0] == names[len(names)-1] {
			names = names[:1]
		}
	}
	switch {
	case len(names) > 0:
		return names, nil
	case len(folders) > 0:
		return nil, fmt.Errorf("%s is absolute and outside the folder of images, %s; give the folder that it is in "+
			"as --images, or name the image relative to the folder", jsontext.Quote(name, quoted), folders[0])
	default:
		return nil, fmt.Errorf("%s is absolute; name the image relative to the dataset's images",
			jsontext.Quote(name, quoted))
	}
}

// inside returns a clean path, relative to the first folder that contains it. It returns nil if no folder contains the
// path.
func inside(clean string, folders []string) []string {
	for _, folder := range folders {
		name, ok := strings.CutPrefix(clean, strings.TrimSuffix(cleanPath(folder), "/")+"/")
		if ok && name != "" {
			return []string{name}
		}
	}
	return nil
}

// literal reports whether a relative name can be a file's name without changes: it is plain text, and no element is
// `..`. Slashes and backslashes separate elements.
func literal(name string) bool {
	elements := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '\\' })
	return plainText(name) && !strings.HasPrefix(name, "/") && !slices.Contains(elements, "..")
}

// plainText reports whether a name is UTF-8 without control characters.
func plainText(name string) bool {
	return utf8.ValidString(name) && !strings.ContainsFunc(name, unicode.IsControl)
}

// cleanPath returns path.Clean of a path with slashes or backslashes as separators.
func cleanPath(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	if hasDrive(name) {
		return name[:2] + path.Clean(name[2:])
	}
	return path.Clean(name)
}

// isAbsolute reports whether a clean path begins at the root of a file system. C:/x is absolute, too.
func isAbsolute(clean string) bool { return path.IsAbs(clean) || hasDrive(clean) }

func hasDrive(name string) bool {
	return len(name) > 2 && unicode.IsLetter(rune(name[0])) && name[1:3] == ":/"
}

const fileScheme = "file:"

func isFileURL(name string) bool {
	return len(name) >= len(fileScheme) && strings.EqualFold(name[:len(fileScheme)], fileScheme)
}

var percentEncoded = regexp.MustCompile(`%[0-9A-Fa-f]{2}`)

// filePaths returns the path of a file:// URL, unchanged and with its percent-encoding decoded. Percent signs that do
// not encode a character are kept. ok is false for other names, and for files of other machines.
func filePaths(name string) (plain, decoded string, ok bool) {
	if !isFileURL(name) {
		return "", "", false
	}
	plain = name[len(fileScheme):]
	if rest, authority := strings.CutPrefix(plain, "//"); authority {
		host, _, _ := strings.Cut(rest, "/")
		if host != "" && !strings.EqualFold(host, "localhost") {
			return "", "", false
		}
		plain = rest[len(host):]
	}
	if drive := strings.TrimPrefix(plain, "/"); hasDrive(drive) {
		plain = drive // file:///C:/x
	}
	decoded = percentEncoded.ReplaceAllStringFunc(plain, func(code string) string {
		character, _ := url.PathUnescape(code) // there is no error, because the pattern matches only valid codes
		return character
	})
	return plain, decoded, isAbsolute(cleanPath(plain)) && isAbsolute(cleanPath(decoded))
}

// isURL reports whether a name begins like a URL (RFC 3986, section 3.1): with a scheme and `://`. The scheme gs needs
// no slashes, so that a mistyped gs URL is not taken for a file's name.
func isURL(name string) bool {
	scheme, rest, ok := strings.Cut(name, ":")
	if !ok || scheme == "" {
		return false
	}
	for i, r := range scheme {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return false
		}
	}
	return strings.HasPrefix(rest, "//") || strings.EqualFold(scheme, "gs")
}

// TopFolder returns the first folder in the name of an image. It returns "" if the name has no folder, or if only
// ImageNames can resolve the name.
func TopFolder(name string) string {
	clean, err := CleanImageName(name)
	if err != nil {
		return ""
	}
	if object, ok := strings.CutPrefix(clean, "gs://"); ok {
		_, object, _ = strings.Cut(object, "/")
		clean = strings.TrimPrefix(path.Clean(object), "/")
	}
	folder, _, ok := strings.Cut(clean, "/")
	if !ok || isAbsolute(clean) {
		return ""
	}
	return folder
}

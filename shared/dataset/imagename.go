package dataset

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxNameBytes is the longest name of an object in Cloud Storage.
const maxNameBytes = 1024

// CleanImageName returns the shortest equal form of an image's name, which stays inside whatever
// folder it is put under. A gs://bucket/object URL is returned as it is. Absolute names, names that
// lead out of the folder, URLs of other schemes, and characters that no image's name needs are an
// error, which says what to write instead.
func CleanImageName(name string) (string, error) {
	switch {
	case name == "":
		return "", errors.New("the name is empty; name a file")
	case len(name) > maxNameBytes:
		return "", fmt.Errorf("%s has %d bytes, more than the %d of an object's name; "+
			"embed image data as data:image/jpeg;base64,…", quote(name, quoted), len(name), maxNameBytes)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "", fmt.Errorf("%s holds a control character or is not UTF-8; rename the file", quote(name, quoted))
	}
	if object, ok := strings.CutPrefix(name, "gs://"); ok {
		if bucket, key, _ := strings.Cut(object, "/"); bucket == "" || key == "" {
			return "", fmt.Errorf("%s lacks a bucket or an object; write gs://bucket/object", quote(name, quoted))
		}
		return name, nil
	}
	switch {
	case hasScheme(name):
		return "", fmt.Errorf("%s is a URL; put the image next to the manifest's others and name it relative to them, "+
			"or give a gs:// URL", quote(name, quoted))
	case strings.Contains(name, `\`):
		return "", fmt.Errorf("%s holds a backslash; write / between folders", quote(name, quoted))
	case path.IsAbs(name):
		return "", fmt.Errorf("%s is absolute; name the image relative to the dataset's images", quote(name, quoted))
	}
	switch clean := path.Clean(name); {
	case clean == "." || clean == ".." || strings.HasPrefix(clean, "../"):
		return "", fmt.Errorf("%s leads out of the dataset's images; name a file inside them", quote(name, quoted))
	default:
		return clean, nil
	}
}

// hasScheme reports whether name begins like a URL (RFC 3986, section 3.1), as C:/x does too.
func hasScheme(name string) bool {
	scheme, _, ok := strings.Cut(name, ":")
	if !ok {
		return false
	}
	for i, r := range scheme {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+-.", r)) {
			return false
		}
	}
	return scheme != ""
}

// topFolder is the first folder of an image's name, "" where it lies in none.
func topFolder(name string) string {
	if object, ok := strings.CutPrefix(name, "gs://"); ok {
		_, name, _ = strings.Cut(object, "/")
	}
	folder, _, ok := strings.Cut(path.Clean(name), "/")
	if !ok {
		return ""
	}
	return folder
}

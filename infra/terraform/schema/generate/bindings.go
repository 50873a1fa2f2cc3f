package main

import (
	"archive/tar"
	"compress/gzip"
	"crypto/sha512"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/harvest-ml/harvest/infra/terraform/schema"
)

// bindings holds the files of the npm package that describe resources and data sources.
type bindings struct {
	provenance schema.Provenance
	files      map[string]string // contents by path, without `package/`
}

// read matches the names of the files from which the schema is generated.
var read = regexp.MustCompile(`^(package\.json|lib/[^/]+/index\.(js|d\.ts))$`)

func openBindings(path string) (*bindings, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha512.New()
	unzipped, err := gzip.NewReader(io.TeeReader(f, sum))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	p := &bindings{files: map[string]string{}}
	for archive := tar.NewReader(unzipped); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
		name := strings.TrimPrefix(header.Name, "package/")
		if !read.MatchString(name) {
			continue
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			return nil, fmt.Errorf("reading %s of %s: %w", name, path, err)
		}
		p.files[name] = string(data)
	}
	if _, err := io.Copy(io.Discard, f); err != nil { // read the bytes that gzip did not read
		return nil, err
	}
	p.provenance.SHA512 = hex.EncodeToString(sum.Sum(nil))
	return p, p.identify()
}

var providerVersion = regexp.MustCompile(`providerName: 'google',\s+providerVersion: '([^']+)'`)

func (p *bindings) identify() error {
	var about struct{ Name, Version, License string }
	if err := json.Unmarshal([]byte(p.files["package.json"]), &about); err != nil {
		return fmt.Errorf("reading package.json: %w", err)
	}
	version := providerVersion.FindStringSubmatch(p.files["lib/storage-bucket/index.js"])
	if version == nil {
		return errors.New("lib/storage-bucket/index.js does not have the provider's version: " +
			"is it the package @cdktf/provider-google?")
	}
	p.provenance.Package = about.Name + "@" + about.Version
	p.provenance.Licence = about.License
	p.provenance.Provider = "hashicorp/google " + version[1]
	return nil
}

// block returns the arguments of a resource or a data source.
func (p *bindings) block(kind, name string) (*schema.Block, error) {
	folder := strings.ReplaceAll(strings.TrimPrefix(name, "google_"), "_", "-")
	if kind == "data" {
		folder = "data-google-" + folder
	}
	code, types := p.files["lib/"+folder+"/index.js"], p.files["lib/"+folder+"/index.d.ts"]
	if code == "" || types == "" {
		return nil, fmt.Errorf("%s has no such %s", p.provenance.Provider, kind)
	}
	return parse(code, types)
}

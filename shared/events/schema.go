package events

import "embed"

// Schemas has the JSON Schemas of the events' data: schema/<type>.v1.json.
//
//go:embed schema/*.json
var Schemas embed.FS

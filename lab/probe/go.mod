module probe

go 1.26

require golang.org/x/net v0.47.0

package identifiers

import "testing"

func TestAddresses(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("203.0.113.7", "[ip]")
	check("127.0.0.1", "[ip]")
	check("203.0.113.7-203.0.113.9", "[ip]-[ip]")
	check("ip-203.0.113.7", "ip-[ip]")
	check("http://203.0.113.7/x", "http://[ip]/x")
	check("http://example.com/203.0.113.7", "http://example.com/[ip]")
	check("2001:db8::1/64", "[ip]/64")
	check("id:2001:db8::1", "id:[ip]")
	check("face:2001:db8::8a2e:1", "[ip]")
	check("fe80::1ff:fe23:4567:890a%eth0", "[ip]%eth0")
	check("::ffff:203.0.113.7", "[ip]")
	check("2001:db8::1: unreachable", "[ip]: unreachable")
	check("version=203.0.113.7", "version=[ip]") // too large for a version

	check("203.0.113.7.", "[ip].")
	check("203.0.113.7. Welcome", "[ip]. Welcome") // too large for the number of a section

	check("v1.2.3.4 ver. 1.2.3.4 Version 1.2.3.4", "v1.2.3.4 ver. 1.2.3.4 Version 1.2.3.4")
	check("バージョン1.2.3.4", "バージョン1.2.3.4")
	check("1.2.3.4-beta", "1.2.3.4-beta")
	check("1.2.3.4a 1.2.3.4.5 1.2.3.400 01.2.3.4", "1.2.3.4a 1.2.3.4.5 1.2.3.400 01.2.3.4")
	check("Chrome/120.0.0.0 Safari/537.36", "Chrome/120.0.0.0 Safari/537.36")
	check("1.2.2.1. 概要", "1.2.2.1. 概要")
	check("12:34:56 01:02:03:04", "12:34:56 01:02:03:04")
	check("std::dead::beef Foo::Bar a::b ::1", "std::dead::beef Foo::Bar a::b ::1")
}

// Keys made by OpenSSH's ssh-keygen for these tests, and for nothing else.
#pragma once

#include <string_view>

namespace relay::samples {

// ssh-keygen -t ed25519 -N '' -C alice@example
inline constexpr std::string_view plain_key = R"(-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACAXeyhQgV4LcNoH58BjzxAGdQFNOJW+RvvCevgXj6spgAAAAJB8swx4fLMM
eAAAAAtzc2gtZWQyNTUxOQAAACAXeyhQgV4LcNoH58BjzxAGdQFNOJW+RvvCevgXj6spgA
AAAECWCwr243VPhlruqOY0qi5AYsE5ZMIdC1Pqjnr5nkPm1Rd7KFCBXgtw2gfnwGPPEAZ1
AU04lb5G+8J6+BePqymAAAAADWFsaWNlQGV4YW1wbGU=
-----END OPENSSH PRIVATE KEY-----
)";
inline constexpr std::string_view plain_line =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBd7KFCBXgtw2gfnwGPPEAZ1"
    "AU04lb5G+8J6+BePqymA alice@example";
inline constexpr std::string_view plain_fingerprint =
    "SHA256:rRSyRHvTmWuZaqMwmjpBnS8M14VQ2enRC+Btn0kiVGE";

// ssh-keygen -t ed25519 -N secret -C bob@example
inline constexpr std::string_view locked_key = R"(-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCtlhMZVt
IscieDKvy+6eJxAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAICSRUombG9vIkyMW
cWbGuD+o/JnC0YJBs9ATLbXPGCLnAAAAkCMbXzs0sUtuqACb0juiT3ThsgDmPrvHYi+f7q
l32F88FxK3nNJtUrgU+xoXTrWKAKo8N04kyw6vykfeL6HbTZuByDeFLHB3L3MFmVRMkb4q
JuqRB66Kp+w9m9XXPeJ3H7sIITlyLm0mUhkPuTD1ElbKmpQ0e5GDwaeG80p82nmqQE+WM2
kxH9YCxBssR8WBHg==
-----END OPENSSH PRIVATE KEY-----
)";
inline constexpr std::string_view locked_fingerprint =
    "SHA256:QEg5stCBfWlt9ttlbrY12uL6tKi5VxjAE1tJhgxEqZE";

// ssh-keygen -t ecdsa -N '' -C ec
inline constexpr std::string_view ecdsa_key = R"(-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS
1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQQwuVbEVUZSlwROjhriVQsfoUXHtqjQ
Xh6uVAWJrLOvw6PHcth2/Uvr+mL00Zpql8TA1nuaw+8JNapFkppRSPl3AAAAoC/UndYv1J
3WAAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBDC5VsRVRlKXBE6O
GuJVCx+hRce2qNBeHq5UBYmss6/Do8dy2Hb9S+v6YvTRmmqXxMDWe5rD7wk1qkWSmlFI+X
cAAAAhAMOPYe8vS9CZAP1v9lVHhjXVpIYj12DiNC81ydfvJkNLAAAAAmVjAQIDBAU=
-----END OPENSSH PRIVATE KEY-----
)";

}  // namespace relay::samples

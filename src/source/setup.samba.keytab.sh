# Kerberos instead of a password: the account's key as a file. Run as root on a Samba domain controller; then
# move the file to Lockstep's computer. Whoever reads it is the account: only Lockstep's user may.
rm -f "$KEYTAB"
samba-tool domain exportkeytab "$KEYTAB" --principal="$ACCOUNT"
chmod 600 "$KEYTAB"
# to be done again whenever the account's password is changed

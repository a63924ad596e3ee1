"""A document of the shape that those in MOSIP's tests have, with nobody's data in it.

`Level` stands behind `Quality`, a subtype is none of the schema's, and base64 has line breaks.
"""

from __future__ import annotations

AS_MOSIP_WRITES_IT = b"""<?xml version="1.0"?>
<BIR xmlns="http://standards.iso.org/iso-iec/19785/-3/ed-2/">
\t<BIRInfo>
\t\t<Integrity>false</Integrity>
\t</BIRInfo>
  <BIR>
    <Version><Major>1</Major><Minor>1</Minor></Version>
    <CBEFFVersion><Major>1</Major><Minor>1</Minor></CBEFFVersion>
    <BIRInfo><Integrity>false</Integrity></BIRInfo>
    <BDBInfo>
      <Format><Organization>257</Organization><Type>8</Type></Format>
      <CreationDate>2019-06-24T18:12:32.755Z</CreationDate>
      <Type>Face</Type>
      <Subtype>UNKNOWN</Subtype>
      <Purpose>Verify</Purpose>
      <Quality>
        <Algorithm><Organization>HMAC</Organization><Type>SHA-256</Type></Algorithm>
        <Score>100</Score>
      </Quality>
      <Level>Raw</Level>
    </BDBInfo>
    <BDB>RkFD
      ADAzMAA=</BDB>
    <others xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><entry key="EXCEPTION">false</entry></others>
    <Biometric xmlns="urn:somebody">of somebody <BDB>AAAA</BDB></Biometric>
  </BIR>
  <BIR>
    <BIRInfo><Integrity>false</Integrity></BIRInfo>
    <BDBInfo>
      <Type>Finger</Type>
      <Subtype>Left IndexFinger</Subtype>
      <Quality>
        <Algorithm><Organization>HMAC</Organization><Type>SHA-256</Type></Algorithm>
        <QualityCalculationFailed>no finger</QualityCalculationFailed>
      </Quality>
    </BDBInfo>
  </BIR>
</BIR>
"""
